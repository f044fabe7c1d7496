// The Go peer: goroutines and channels. PROGRAM METRIC COUNT prints METRIC VALUE CHECKSUM; the sums
// are those of tools/bench/checksum.h. GOMAXPROCS comes from the environment.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	batch   = 1000
	sleepMs = 1000
	seed    = uint64(88172645463325252)
)

func fail(text string) {
	fmt.Fprintln(os.Stderr, text)
	os.Exit(1)
}

func nanoseconds(start time.Time, count uint64) float64 {
	return float64(time.Since(start).Nanoseconds()) / float64(count)
}

func taskSwitch(count uint64) (float64, uint64) {
	var sum, arrived, named uint64
	var group sync.WaitGroup
	turns := func() {
		for arrived++; arrived < 2; {
			runtime.Gosched()
		}
		named++
		name := named
		for i := uint64(0); i < count/2; i++ {
			sum += name * (i + 1)
			runtime.Gosched()
		}
		group.Done()
	}

	group.Add(2)
	start := time.Now()
	go turns()
	go turns()
	group.Wait()
	return nanoseconds(start, count), sum
}

func runBatch(visits *[batch]uint64) {
	var group sync.WaitGroup
	group.Add(batch)
	for i := range visits {
		go func(visit *uint64) {
			*visit++
			group.Done()
		}(&visits[i])
	}
	group.Wait()
}

func taskSpawnJoin(count uint64) (float64, uint64) {
	var visits [batch]uint64
	runBatch(&visits) // the first batch makes the stacks; the figure is that of reuse

	start := time.Now()
	for done := uint64(0); done < count; done += batch {
		runBatch(&visits)
	}
	value := nanoseconds(start, count)

	var sum uint64
	for i := range visits {
		sum += (visits[i] - 1) * uint64(i+1)
	}
	return value, sum
}

// residentBytes is VmRSS + VmPTE of /proc/self/status, as in tools/bench/memory.h.
func residentBytes() float64 {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		fail(err.Error())
	}
	defer status.Close()
	var kilobytes float64
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if words[0] == "VmRSS:" || words[0] == "VmPTE:" {
			part, _ := strconv.ParseFloat(words[1], 64)
			kilobytes += part
		}
	}
	return kilobytes * 1024
}

func taskParkedBytes(count uint64) (float64, uint64) {
	var sum, waiting uint64
	var group sync.WaitGroup
	gate := make(chan uint64)

	runtime.GC()
	before := residentBytes()
	group.Add(int(count))
	for i := uint64(0); i < count; i++ {
		go func() {
			waiting++
			sum += <-gate
			group.Done()
		}()
	}
	for waiting < count {
		runtime.Gosched()
	}
	after := residentBytes()
	for i := uint64(0); i < count; i++ {
		gate <- i
	}
	group.Wait()
	return (after - before) / float64(count), sum
}

// pingpong passes a token to and fro; @far binds each goroutine to a thread of its own, which is how Go
// keeps two of them on two CPUs.
func pingpong(count uint64, far bool) (float64, uint64) {
	var token uint64
	var group sync.WaitGroup
	there, back := make(chan uint64), make(chan uint64)

	group.Add(2)
	start := time.Now()
	go func() {
		if far {
			runtime.LockOSThread()
		}
		for i := uint64(0); i < count; i++ {
			there <- token
			token = <-back + 1
		}
		group.Done()
	}()
	go func() {
		if far {
			runtime.LockOSThread()
		}
		for i := uint64(0); i < count; i++ {
			back <- <-there + 1
		}
		group.Done()
	}()
	group.Wait()
	return nanoseconds(start, count), token
}

func chanPingpong(count uint64) (float64, uint64) {
	return pingpong(count, false)
}

func chanPingpongFar(count uint64) (float64, uint64) {
	return pingpong(count, true)
}

// messages returns millions a second through one channel of depth 128.
func messages(count, sides uint64) (float64, uint64) {
	var putters, takers sync.WaitGroup
	stream := make(chan uint64, 128)
	sums := make([]uint64, sides)

	start := time.Now()
	putters.Add(int(sides))
	takers.Add(int(sides))
	for side := uint64(0); side < sides; side++ {
		go func(side uint64) {
			var sum uint64
			for message := range stream {
				sum += message
			}
			sums[side] = sum
			takers.Done()
		}(side)
		go func(side uint64) {
			for i := side; i < count; i += sides {
				stream <- i
			}
			putters.Done()
		}(side)
	}
	putters.Wait()
	close(stream)
	takers.Wait()
	value := 1e3 / nanoseconds(start, count)

	var sum uint64
	for _, part := range sums {
		sum += part
	}
	return value, sum
}

func messagesPair(count uint64) (float64, uint64) {
	return messages(count, 1)
}

func messagesMany(count uint64) (float64, uint64) {
	return messages(count, 4)
}

func selectFour(count uint64) (float64, uint64) {
	var chans [4]chan uint64
	var sum uint64
	for i := range chans {
		chans[i] = make(chan uint64, 1)
	}

	start := time.Now()
	for i := uint64(0); i < count; i++ {
		chans[i%4] <- i
		select {
		case message := <-chans[0]:
			sum += message
		case message := <-chans[1]:
			sum += message
		case message := <-chans[2]:
			sum += message
		case message := <-chans[3]:
			sum += message
		}
	}
	return nanoseconds(start, count), sum
}

const lockers = 4

func mutex4(count uint64) (float64, uint64) {
	var sum uint64
	var guard sync.Mutex
	var group sync.WaitGroup

	group.Add(lockers)
	start := time.Now()
	for i := 0; i < lockers; i++ {
		go func() {
			for i := uint64(0); i < count/lockers; i++ {
				guard.Lock()
				sum++
				guard.Unlock()
			}
			group.Done()
		}()
	}
	group.Wait()
	return nanoseconds(start, count), sum
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err.Error())
	}
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

type sleeper struct {
	sleep time.Duration
	late  time.Duration
}

// sleepAll returns CPU seconds, the 99th percentile of lateness in ms, and the checksum.
func sleepAll(count uint64) (float64, float64, uint64) {
	var group sync.WaitGroup
	sleepers := make([]sleeper, count)
	state := seed
	for i := range sleepers {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		sleepers[i] = sleeper{time.Duration(state%(sleepMs+1)) * time.Millisecond, -1}
	}

	cpu := cpuSeconds()
	group.Add(int(count))
	for i := range sleepers {
		go func(self *sleeper) {
			start := time.Now()
			time.Sleep(self.sleep)
			self.late = time.Since(start) - self.sleep
			group.Done()
		}(&sleepers[i])
	}
	group.Wait()
	cpu = cpuSeconds() - cpu

	var sum uint64
	late := make([]float64, count)
	for i := range sleepers {
		late[i] = float64(sleepers[i].late.Nanoseconds()) / 1e6
		if sleepers[i].late >= 0 {
			sum += uint64(sleepers[i].sleep.Milliseconds())
		}
	}
	sort.Float64s(late)
	return cpu, late[count*99/100], sum
}

func sleepCPU(count uint64) (float64, uint64) {
	cpu, _, sum := sleepAll(count)
	return cpu, sum
}

func sleepLate(count uint64) (float64, uint64) {
	_, late, sum := sleepAll(count)
	return late, sum
}

// echo serves as many connections as the metric's name says, and returns when the last has ended.
func echo(connections int) {
	var group sync.WaitGroup
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err.Error())
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for i := 0; i < connections; i++ {
		connection, err := listener.Accept()
		if err != nil {
			fail(err.Error())
		}
		group.Add(1)
		go func() {
			defer group.Done()
			piece := make([]byte, 512)
			for {
				count, err := connection.Read(piece)
				if err == io.EOF {
					break
				}
				if err == nil {
					_, err = connection.Write(piece[:count])
				}
				if err != nil {
					fail(err.Error())
				}
			}
			connection.Close()
		}()
	}
	group.Wait()
}

func main() {
	metrics := map[string]func(uint64) (float64, uint64){
		"task_switch":             taskSwitch,
		"task_spawn_join":         taskSpawnJoin,
		"task_parked_bytes":       taskParkedBytes,
		"chan_pingpong_1w":        chanPingpong,
		"chan_pingpong_cross_hot": chanPingpongFar,
		"chan_pingpong_free":      chanPingpong,
		"chan_buffered_1x1_1w":    messagesPair,
		"chan_buffered_4x4_1w":    messagesMany,
		"chan_buffered_4x4_2w":    messagesMany,
		"select_4":                selectFour,
		"sleep_100k_cpu":          sleepCPU,
		"sleep_100k_late_p99":     sleepLate,
		"mutex_4t_1w":             mutex4,
		"mutex_4t_2w":             mutex4,
		"fork_join_inline":        forkJoin,
		"fib32_1w":                runFib,
		"loop_empty_2w":           loopEmpty,
		"sort_2w":                 sortKeys,
		"triad_2w":                triad,
		"nqueens_2w":              nqueens,
		"uts_2w":                  uts,
		"matrix_2w":               matrix,
		"stencil_2w":              stencil,
	}

	if len(os.Args) != 3 {
		fail("usage: go METRIC COUNT")
	}
	var connections int
	if _, err := fmt.Sscanf(os.Args[1], "echo_64B_%dc_", &connections); err == nil {
		echo(connections)
		return
	}
	if strings.HasPrefix(os.Args[1], "mixed_echo_") {
		mixed(os.Args[1])
		return
	}
	metric, known := metrics[os.Args[1]]
	count, err := strconv.ParseUint(os.Args[2], 10, 62)
	if !known || err != nil || count == 0 {
		fail("no metric " + os.Args[1] + " here, or no count")
	}
	value, sum := metric(count)
	fmt.Printf("%s %.9g %d\n", os.Args[1], value, sum)
}
