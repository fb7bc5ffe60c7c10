// SPDX-License-Identifier: MIT

// What it costs to be profiled by Go's runtime/pprof: tests/bench/profile.c in Go.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"unsafe"
)

const (
	pairs  = 5
	rounds = 40000
	depth  = 8
	size   = 4096
)

var data [size]byte
var sink uint32

//go:noinline
func work(depth int) uint32 {
	if depth > 0 {
		return work(depth-1) ^ 1
	}
	hash := uint32(0x811c9dc5)
	for _, b := range data {
		hash = (hash ^ uint32(b)) * 0x01000193
	}
	return hash
}

// CLOCK_PROCESS_CPUTIME_ID is 2 on Linux (clock_gettime(2)).
func cpuNs() uint64 {
	var now syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 2, uintptr(unsafe.Pointer(&now)), 0)
	return uint64(now.Nano())
}

func timed() uint64 {
	began := cpuNs()
	for i := 0; i < rounds; i++ {
		sink += work(depth)
		data[i%size]++
	}
	return cpuNs() - began
}

func varint(p []byte) (uint64, int) {
	var value uint64
	for i, b := range p {
		value |= uint64(b&0x7f) << (7 * uint(i))
		if b < 0x80 {
			return value, i + 1
		}
	}
	return 0, len(p)
}

// Calls each for the message's fields: the number, and the value or (of bytes) the content.
func fields(p []byte, each func(number, value uint64, content []byte)) {
	for len(p) > 0 {
		key, n := varint(p)
		p = p[n:]
		value, m := varint(p)
		p = p[m:]
		if key&7 == 2 {
			each(key>>3, value, p[:value])
			p = p[value:]
		} else {
			each(key>>3, value, nil)
		}
	}
}

// The first value of a sample, packed or not.
func first(sample []byte) (count uint64) {
	seen := false
	fields(sample, func(number, value uint64, content []byte) {
		if number == 2 && !seen {
			seen = true
			count = value
			if content != nil {
				count, _ = varint(content)
			}
		}
	})
	return count
}

// How often the profile was sampled (profile.proto: Profile.sample is 2, Sample.value is 2).
func samples(gz []byte) (sum uint64) {
	reader, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return 0
	}
	p, _ := io.ReadAll(reader)
	fields(p, func(number, value uint64, content []byte) {
		if number == 2 {
			sum += first(content)
		}
	})
	return sum
}

func pair(hz int) {
	var profile bytes.Buffer
	off := timed()
	if hz != 100 { // StartCPUProfile then keeps it, and says so on stderr
		runtime.SetCPUProfileRate(hz)
	}
	if err := pprof.StartCPUProfile(&profile); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	on := timed()
	pprof.StopCPUProfile()
	fmt.Printf("pair: %d %d %d %d\n", hz, off, on, samples(profile.Bytes()))
}

func main() {
	runtime.LockOSThread()
	timed()
	for i := 0; i < pairs; i++ {
		for _, hz := range []int{100, 1000, 10000} {
			pair(hz)
		}
	}
}
