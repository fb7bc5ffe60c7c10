// SPDX-License-Identifier: MIT

// Go: the rows of tests/bench/hosted_cores.c, on two processors (GOMAXPROCS=2).
package main

import (
	"fmt"
	"runtime"
	"sort"
	"sync/atomic"
	"time"
)

const stops = 2000

// Each goroutine on a thread of its own, so that they are on two processors.
func coreRoundTrip() {
	runtime.LockOSThread()
	ping, pong := make(chan uint32), make(chan uint32)
	go func() {
		runtime.LockOSThread()
		for value := range ping {
			pong <- value
		}
	}()
	row("core_round_trip", func(rounds int) {
		for i := 0; i < rounds; i++ {
			ping <- 1
			<-pong
		}
	}, 1)
	runtime.UnlockOSThread()
	close(ping)
}

// ReadMemStats stops the world, copies some counters, and starts it.
func stopTheWorld() {
	var stats runtime.MemStats
	var counter uint64
	var over uint32
	took := make([]time.Duration, stops)
	go func() {
		for atomic.LoadUint32(&over) == 0 {
			atomic.AddUint64(&counter, 1)
		}
	}()
	for i := range took {
		before := atomic.LoadUint64(&counter)
		for atomic.LoadUint64(&counter) == before {
		}
		start := time.Now()
		runtime.ReadMemStats(&stats)
		took[i] = time.Since(start)
	}
	atomic.StoreUint32(&over, 1)
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	fmt.Printf("row: stop_the_world_p50 %d\n", took[stops/2].Nanoseconds())
	fmt.Printf("row: stop_the_world_p99 %d\n", took[stops*99/100].Nanoseconds())
}

func cores() {
	coreRoundTrip()
	stopTheWorld()
	forkJoin()
}
