package hook

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-net/holdfast/internal/api"
	"github.com/holdfast-net/holdfast/internal/program"
)

// stage is where fake programs run. Each lasts as long as lasts says for its
// name, and dies when it is told to unless it is stubborn.
type stage struct {
	lasts    map[string]time.Duration
	fails    map[string]int // exit status
	stubborn bool

	mu      sync.Mutex
	begin   time.Time
	story   []string
	running int
	most    int
}

func (s *stage) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.story = append(s.story, fmt.Sprintf("%6s ", time.Since(s.begin))+fmt.Sprintf(format, args...))
}

func (s *stage) start(c program.Command) program.Process {
	name := c.Argv[0]
	s.say("start %s", name)
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	killed, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	end := program.Outcome{Status: s.fails[name], Output: "last words"}
	go func() {
		defer close(done)
		select {
		case <-time.After(s.lasts[name]):
		case <-killed:
			end = program.Outcome{Status: -1, Signal: syscall.SIGKILL, Output: "last words"}
			if s.stubborn {
				time.Sleep(program.KillAfter)
			}
		}
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	return program.Process{
		Done:    done,
		Kill:    func() { once.Do(func() { close(killed) }) },
		Outcome: func() program.Outcome { return end },
	}
}

func (s *stage) record(ev api.Event) {
	if ev.Kind != "hook" || ev.Group == "" || ev.Code == "" {
		s.say("incomplete event %+v", ev)
	}
	s.say("%s %s", ev.Code, ev.Reason)
}

func (s *stage) runner(o Options) *Runner {
	s.begin = time.Now()
	o.process, o.Record = s.start, s.record
	return New(o)
}

func change(group, state string) Event {
	return Event{Group: group, State: state, Run: []string{group + "-" + state}}
}

func (s *stage) tells(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []string
	for _, line := range s.story {
		got = append(got, strings.TrimSpace(line))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("story (-want +got):\n%s", diff)
	}
}

func TestRunner_StartsOnlyTheNewestStateAfterOneThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{lasts: map[string]time.Duration{"web-active": 5 * time.Second, "web-backup": time.Second}}
		r := s.runner(Options{})
		r.Submit(change("web", "active"))
		synctest.Wait()
		for _, state := range []string{"backup", "active", "fault", "backup"} {
			time.Sleep(time.Second)
			r.Submit(change("web", state))
		}
		time.Sleep(10 * time.Second)
		r.Close()
		s.tells(t,
			"0s start web-active",
			"2s HF2804 web-backup was not run for backup: the group became active before it could start",
			"3s HF2804 web-active was not run for active: the group became fault before it could start",
			"4s HF2804 web-fault was not run for fault: the group became backup before it could start",
			"5s HF2801 web-active ran for 5s",
			"5s start web-backup",
			"6s HF2801 web-backup ran for 1s",
		)
	})
}

func TestRunner_AStateWithoutProgramMakesOthersOutdated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{lasts: map[string]time.Duration{"web-active": 2 * time.Second}}
		r := s.runner(Options{})
		r.Submit(Event{Group: "web", State: "init"})
		r.Submit(change("web", "active"))
		synctest.Wait()
		r.Submit(change("web", "fault"))
		r.Submit(Event{Group: "web", State: "backup"})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(r.groups) != 0 {
			t.Error("an idle group is remembered")
		}
		r.Close()
		s.tells(t,
			"0s start web-active",
			"0s HF2804 web-fault was not run for fault: the group became backup before it could start",
			"2s HF2801 web-active ran for 2s",
		)
	})
}

func TestRunner_GroupsDoNotWaitForEachOtherButAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{lasts: map[string]time.Duration{}}
		r := s.runner(Options{Parallel: 10})
		for i := range 100 {
			s.lasts[fmt.Sprintf("g%d-active", i)] = time.Second
		}
		for i := range 100 {
			r.Submit(change(fmt.Sprintf("g%d", i), "active"))
		}
		time.Sleep(500 * time.Millisecond)
		// Those that wait for a place go outdated meanwhile, too.
		for i := range 100 {
			r.Submit(Event{Group: fmt.Sprintf("g%d", i), State: "backup"})
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.most != 10 {
			t.Errorf("%d programs at the same time, want 10", s.most)
		}
		counts := map[string]int{}
		for _, line := range s.story {
			counts[strings.Fields(line)[1]]++
		}
		if diff := cmp.Diff(map[string]int{"start": 10, "HF2801": 10, "HF2804": 90}, counts); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRunner_KillsWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{lasts: map[string]time.Duration{"web-active": time.Hour}}
		r := s.runner(Options{})
		ev := change("web", "active")
		ev.Timeout = 3 * time.Second
		r.Submit(ev)
		time.Sleep(5 * time.Second)
		r.Close()
		s.tells(t,
			"0s start web-active",
			"3s HF2803 web-active did not end within 3s and was killed; it said: last words",
		)
	})
}

func TestRunner_TellsWhyOneFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{fails: map[string]int{"web-fault": 3}}
		r := s.runner(Options{})
		r.Submit(change("web", "fault"))
		r.Close()
		s.tells(t, "0s start web-fault", "0s HF2802 web-fault failed after 0s: exit status 3; it said: last words")
		r.Submit(change("web", "active")) // after Close: nothing
		synctest.Wait()
		r.Close()
	})
}

func TestClose_LetsProgramsFinishThenKillsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{stubborn: true, lasts: map[string]time.Duration{"a-backup": time.Second, "b-backup": time.Hour}}
		r := s.runner(Options{Parallel: 2})
		r.Submit(change("a", "backup"))
		r.Submit(change("b", "backup"))
		synctest.Wait()
		r.Submit(change("b", "fault"))
		begin := time.Now()
		r.Close()
		if d := time.Since(begin); d != defaultDrain+program.KillAfter {
			t.Errorf("Close took %s", d)
		}
		got := s.story
		want := []string{
			"HF2801 a-backup ran for 1s",
			"HF2803 b-backup did not end before the daemon and was killed; it said: last words",
			"HF2804 b-fault was not run for fault: the daemon ended before it could start",
		}
		for i, line := range got[len(got)-3:] {
			if !strings.HasSuffix(line, want[i]) {
				t.Errorf("%q, want %q", line, want[i])
			}
		}
	})
}
