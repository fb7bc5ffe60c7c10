// SPDX-License-Identifier: MIT

// Go: the rows of tests/bench/hosted_waits.c.
package main

import (
	"sync"
	"time"
)

const pending = 100000

var done int

func forkJoin() {
	row("fork_join", func(rounds int) {
		var group sync.WaitGroup
		for i := 0; i < rounds; i += many {
			group.Add(many)
			for n := 0; n < many; n++ {
				go func() { done++; group.Done() }()
			}
			group.Wait()
		}
	}, 1)
}

func waits() {
	var mutex sync.Mutex
	turned := sync.NewCond(&mutex)
	turn := 0
	takeTurn := func(mine int) {
		mutex.Lock()
		for turn != mine {
			turned.Wait()
		}
		turn = 1 - mine
		turned.Signal()
		mutex.Unlock()
	}
	go func() {
		for {
			takeTurn(1)
		}
	}()
	row("condition_round_trip", func(rounds int) {
		for i := 0; i < rounds; i++ {
			takeTurn(0)
		}
	}, 1)

	forkJoin()

	other, buffered := make(chan uint32), make(chan uint32, 16)
	row("select_of_two_and_send", func(rounds int) {
		for i := 0; i < rounds; i++ {
			buffered <- 1
			select {
			case <-other:
			case <-buffered:
			}
		}
	}, 1)

	var timers [pending]*time.Timer
	for i := range timers {
		timers[i] = time.NewTimer(1000*time.Second + time.Duration(i*7919%pending))
	}
	row("timer_100000_pending", func(rounds int) {
		for i := 0; i < rounds; i++ {
			time.NewTimer(1000 * time.Second).Stop()
		}
	}, 1)
	for _, timer := range timers {
		timer.Stop()
	}
}
