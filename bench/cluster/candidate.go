package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// candidateArgument makes this program a candidate: what of Patroni concerns
// the address, without the database. It keeps the leader's key of an etcd with
// the same requests as Patroni:
//
//   - who has it writes it anew every third of its time to live,
//   - who has not waits for it to go, and creates it at once,
//   - who is told to (SIGUSR1) deletes it and lets another one have it.
//
// It is faster than Patroni, which looks at its database before it does any of
// these.
const candidateArgument = "candidate"

// aside is how long one that gave the key away lets the others have it.
const aside = 3 * time.Second

type candidate struct {
	name   string
	ttl    int
	key    string
	client http.Client
}

// stand is the candidate's life: NAME TTL ENDPOINT. It returns only where these
// are wrong.
func stand(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("cannot be a candidate with %q", args)
	}
	ttl, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	c := &candidate{name: args[0], ttl: ttl, key: args[2] + "/v2/keys" + leaderKey}
	term := time.Duration(ttl) * time.Second
	give := make(chan os.Signal, 1)
	signal.Notify(give, unix.SIGUSR1)
	for {
		if _, _, err := c.do(term/2, http.MethodPut, url.Values{"value": {c.name}, "ttl": {args[1]}, "prevExist": {"false"}}); err != nil {
			c.wait(term)
			continue
		}
		for held := true; held; {
			select {
			case <-give:
				_, _, err := c.do(term, http.MethodDelete, url.Values{"prevValue": {c.name}})
				if err == nil {
					time.Sleep(aside)
					held = false
				}
			case <-time.After(term / 3):
				_, _, err := c.do(term/3, http.MethodPut, url.Values{"value": {c.name}, "ttl": {args[1]}, "prevValue": {c.name}})
				held = err == nil
			}
		}
	}
}

// wait returns when there is no key, or after a term.
func (c *candidate) wait(term time.Duration) {
	status, index, err := c.do(term/2, http.MethodGet, nil)
	switch {
	case err != nil && status == 0: // nobody there
		time.Sleep(20 * time.Millisecond)
	case err == nil:
		// Any change ends it; a renewal, too.
		_, _, _ = c.do(term, http.MethodGet, url.Values{"wait": {"true"}, "waitIndex": {strconv.FormatUint(index+1, 10)}})
	}
}

// do does one request, and gives the answer's status and the store's index.
func (c *candidate) do(patience time.Duration, method string, form url.Values) (status int, index uint64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.key+"?"+form.Encode(), nil)
	if err != nil {
		return 0, 0, err
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(new(any)); err != nil {
		return 0, 0, err
	}
	index, _ = strconv.ParseUint(answer.Header.Get("X-Etcd-Index"), 10, 64)
	if answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("etcd says %s", answer.Status)
	}
	return answer.StatusCode, index, err
}
