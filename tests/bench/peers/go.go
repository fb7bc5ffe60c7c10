// SPDX-License-Identifier: MIT

// Go: goroutines on as many processors as GOMAXPROCS says (tests/bench/hosted.sh sets it).
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	stretches = 40
	rounds    = 2000
	many      = 64
)

func row(name string, stretch func(rounds int), operations int) {
	best := time.Duration(1) << 62
	stretch(rounds / 10)
	for i := 0; i < stretches; i++ {
		start := time.Now()
		stretch(rounds)
		if took := time.Since(start); took < best {
			best = took
		}
	}
	fmt.Printf("row: %s %.2f\n", name, float64(best.Nanoseconds())/rounds/float64(operations))
}

func yield(rounds int) {
	for i := 0; i < rounds; i++ {
		runtime.Gosched()
	}
}

var null *int

func loadNull() (value int) {
	defer func() { _ = recover() }()
	return *null
}

var finished int32

func running() bool { return atomic.LoadInt32(&finished) == 0 }

// Each with its own call of Gosched.
var sites = []func(){
	func() { for running() { runtime.Gosched() } },
	func() { for running() { runtime.Gosched() } },
	func() { for running() { runtime.Gosched() } },
	func() { for running() { runtime.Gosched() } },
	func() { for running() { runtime.Gosched() } },
	func() { for running() { runtime.Gosched() } },
	func() { for running() { runtime.Gosched() } },
	func() { for running() { runtime.Gosched() } },
}

func yieldAmong(name string, others int) {
	var group sync.WaitGroup
	atomic.StoreInt32(&finished, 0)
	for i := 0; i < others; i++ {
		site := sites[i%len(sites)]
		group.Add(1)
		go func() { site(); group.Done() }()
	}
	row(name, yield, others+1)
	atomic.StoreInt32(&finished, 1)
	group.Wait()
}

func spawnJoin(rounds int) {
	done := make(chan struct{})
	for i := 0; i < rounds; i++ {
		go func() { done <- struct{}{} }()
		<-done
	}
}

func main() {
	if runtime.GOMAXPROCS(0) > 1 {
		cores()
		return
	}
	yieldAmong("yield_between_two", 1)
	yieldAmong("yield_among_64", many-1)
	row("spawn_join", spawnJoin, 1)

	there, back := make(chan uint32), make(chan uint32)
	go func() {
		for value := range there {
			back <- value
		}
	}()
	row("channel_round_trip", func(rounds int) {
		for i := 0; i < rounds; i++ {
			there <- 1
			<-back
		}
	}, 1)
	buffered := make(chan uint32, 16)
	row("channel_buffered_message", func(rounds int) {
		for i := 0; i < rounds; i++ {
			buffered <- 1
			<-buffered
		}
	}, 1)
	var mutex sync.Mutex
	row("mutex_pair", func(rounds int) {
		for i := 0; i < rounds; i++ {
			mutex.Lock()
			mutex.Unlock()
		}
	}, 1)
	var word uint64
	row("atomic_add", func(rounds int) {
		for i := 0; i < rounds; i++ {
			atomic.AddUint64(&word, uint64(i))
		}
	}, 1)
	// The signal with which its scheduler preempts; taken by this thread or, seldom, by another one.
	process := os.Getpid()
	row("interrupt", func(rounds int) {
		for i := 0; i < rounds; i++ {
			syscall.Kill(process, syscall.SIGURG)
		}
	}, 1)
	// A load through a null pointer ends in a panic, from which its caller recovers.
	row("trap", func(rounds int) {
		for i := 0; i < rounds; i++ {
			loadNull()
		}
	}, 1)
	waits()
}
