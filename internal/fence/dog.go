package fence

import "time"

// Need is what the groups that ask for the watchdog want of it.
type Need uint8

const (
	Idle   Need = iota // none of them holds anything, nor has steps to undo
	Wanted             // one is about to hold
	Kept               // all that are held were really extended
	Lost               // a hold has ended and what belongs to it is still there
)

// DogAction is what is to be done with the device.
type DogAction uint8

const (
	Nothing DogAction = iota
	Arm               // open it; answer with Armed or Refused
	Feed
	Disarm // stop it and close it
)

// Dog decides when a watchdog runs and when it is fed.
type Dog struct {
	timeout time.Duration
	state   dogState
	fed     time.Time // or when it was armed
}

type dogState uint8

const (
	asleep dogState = iota
	waking          // it is being opened
	awake
)

// NewDog makes a watchdog's decider.
func NewDog(timeout time.Duration) *Dog { return &Dog{timeout: timeout} }

// Step says what is to be done now.
func (d *Dog) Step(now time.Time, need Need) DogAction {
	switch {
	case d.state == asleep && need != Idle:
		d.state = waking
		return Arm
	case d.state != awake || need == Lost:
		return Nothing
	case need == Idle:
		d.state = asleep
		return Disarm
	case now.Sub(d.fed) >= d.Every():
		d.fed = now
		return Feed
	}
	return Nothing
}

// Adopt reports whether a watchdog that runs already is to be opened: a process
// that died has left it so.
func (d *Dog) Adopt() bool {
	if d.state != asleep {
		return false
	}
	d.state = waking
	return true
}

// Armed says that the device is open and was fed at now.
func (d *Dog) Armed(now time.Time) { d.state, d.fed = awake, now }

// Refused says that it could not be opened.
func (d *Dog) Refused() { d.state = asleep }

// Awake reports whether it runs.
func (d *Dog) Awake() bool { return d.state == awake }

// Fed is when it was fed last; zero: it does not run.
func (d *Dog) Fed() time.Time {
	if !d.Awake() {
		return time.Time{}
	}
	return d.fed
}

// Every is how often it is fed: often enough for a loop that is late, and for a
// device that counts in whole seconds.
func (d *Dog) Every() time.Duration { return d.timeout / 5 }
