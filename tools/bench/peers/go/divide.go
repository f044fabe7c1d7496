// What is divided: the work of tools/bench/divide.h and body_fork.c, by goroutines. A fork is a go
// statement, a join a wait for a WaitGroup; whoever forks does the last child itself, which others need
// not be told. Loops have a goroutine for each of the two processors.
package main

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// forkJoin is a child that does next to nothing.
func forkJoin(count uint64) (float64, uint64) {
	var visits uint64
	var group sync.WaitGroup

	start := time.Now()
	for i := uint64(0); i < count; i++ {
		group.Add(1)
		go func() {
			visits++
			group.Done()
		}()
		group.Wait()
	}
	return nanoseconds(start, count), visits
}

func fib(n uint64) uint64 {
	var left uint64
	var group sync.WaitGroup

	if n < 2 {
		return n
	}
	group.Add(1)
	go func() {
		left = fib(n - 1)
		group.Done()
	}()
	right := fib(n - 2)
	group.Wait()
	return left + right
}

func runFib(count uint64) (float64, uint64) {
	start := time.Now()
	value := fib(count)
	return time.Since(start).Seconds(), value
}

// mixed computes Fibonacci numbers on all processors until echo has ended.
func mixed(metric string) {
	const connections, number, right = 16, 25, 75025
	var ends, numbers uint64
	var group sync.WaitGroup

	start := time.Now()
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		group.Add(1)
		go func() {
			for atomic.LoadUint64(&ends) == 0 {
				if fib(number) != right {
					fail("a wrong Fibonacci number")
				}
				atomic.AddUint64(&numbers, 1)
			}
			group.Done()
		}()
	}
	echo(connections)
	atomic.StoreUint64(&ends, 1)
	group.Wait()
	fmt.Printf("%s %.9g\n", metric, float64(numbers)/time.Since(start).Seconds())
}

// halves calls @part for the two halves of a range, one of them in a goroutine.
func halves(begin, end int, part func(begin, end int)) {
	var group sync.WaitGroup
	middle := begin + (end-begin)/2

	group.Add(1)
	go func() {
		part(middle, end)
		group.Done()
	}()
	part(begin, middle)
	group.Wait()
}

func loopEmpty(count uint64) (float64, uint64) {
	const apart = 8
	var visits [2 * apart]uint64

	start := time.Now()
	for i := uint64(0); i < count; i++ {
		halves(0, 2, func(begin, end int) {
			for j := begin; j < end; j++ {
				visits[j*apart]++
			}
		})
	}
	return nanoseconds(start, count), visits[0] + visits[apart]
}

func fillKeys(keys []uint32) uint64 {
	x := seed
	var sum uint64
	for i := range keys {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		keys[i] = uint32(x >> 32)
		sum += uint64(keys[i])
	}
	return sum
}

func inOrder(keys []uint32, sum uint64) uint64 {
	var ordered uint64
	for i := range keys {
		if i == 0 || keys[i-1] <= keys[i] {
			ordered++
		}
		sum -= uint64(keys[i])
	}
	return ordered + sum
}

func insertKeys(keys []uint32) {
	for i := 1; i < len(keys); i++ {
		for j := i; j > 0 && keys[j] < keys[j-1]; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
}

// divideKeys is Hoare's, with the median of three.
func divideKeys(keys []uint32) int {
	middle, low, high := len(keys)/2, 0, len(keys)-1
	if keys[middle] < keys[0] {
		keys[middle], keys[0] = keys[0], keys[middle]
	}
	if keys[high] < keys[middle] {
		keys[high], keys[middle] = keys[middle], keys[high]
	}
	if keys[middle] < keys[0] {
		keys[middle], keys[0] = keys[0], keys[middle]
	}
	pivot := keys[middle]
	for ; ; low, high = low+1, high-1 {
		for keys[low] < pivot {
			low++
		}
		for pivot < keys[high] {
			high--
		}
		if low >= high {
			return high + 1
		}
		keys[low], keys[high] = keys[high], keys[low]
	}
}

func sortPart(keys []uint32) {
	const few, alone = 16, 4096
	var group sync.WaitGroup

	for len(keys) > few {
		low := divideKeys(keys)
		if low >= alone {
			group.Add(1)
			go func(part []uint32) {
				sortPart(part)
				group.Done()
			}(keys[:low])
		} else {
			sortPart(keys[:low])
		}
		keys = keys[low:]
	}
	insertKeys(keys)
	group.Wait()
}

func sortKeys(count uint64) (float64, uint64) {
	keys := make([]uint32, count)
	sum := fillKeys(keys)
	start := time.Now()
	sortPart(keys)
	value := time.Since(start).Seconds()
	return value, inOrder(keys, sum)
}

// smallPages keeps Go from asking for pages of 2 MiB, which the others do not ask for.
func smallPages() {
	const prSetThpDisable = 41
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetThpDisable, 1, 0); errno != 0 {
		fail(errno.Error())
	}
}

func triad(count uint64) (float64, uint64) {
	const passes = 10
	smallPages()
	a, b, c := make([]float64, count), make([]float64, count), make([]float64, count)

	halves(0, int(count), func(begin, end int) {
		for i := begin; i < end; i++ {
			a[i], b[i], c[i] = 0, 1, 2
		}
	})
	start := time.Now()
	for pass := 0; pass < passes; pass++ {
		halves(0, int(count), func(begin, end int) {
			to, x, y := a[begin:end], b[begin:end], c[begin:end]
			for i := range to {
				to[i] = x[i] + 3*y[i]
			}
		})
	}
	seconds := time.Since(start).Seconds()
	var sum float64
	for i := range a {
		sum += a[i] / 7
	}
	return 24 * float64(count) * passes / 1e9 / seconds, uint64(sum)
}

const queens = 16

type board struct {
	size, row, columns, falling, rising uint32
	solutions                           uint64
}

func placeQueens(on *board) {
	if on.row == on.size {
		on.solutions = 1
		return
	}
	var next [queens]board
	var group sync.WaitGroup
	count := 0
	all := uint32(1)<<on.size - 1
	for free := all &^ (on.columns | on.falling | on.rising); free != 0; free &= free - 1 {
		queen := free & -free
		next[count] = board{on.size, on.row + 1, on.columns | queen, (on.falling | queen) << 1,
			(on.rising | queen) >> 1, 0}
		count++
	}
	for i := 0; i < count-1; i++ {
		group.Add(1)
		go func(one *board) {
			placeQueens(one)
			group.Done()
		}(&next[i])
	}
	if count > 0 {
		placeQueens(&next[count-1])
	}
	group.Wait()
	for i := 0; i < count; i++ {
		on.solutions += next[i].solutions
	}
}

func nqueens(count uint64) (float64, uint64) {
	empty := board{size: uint32(count)}
	start := time.Now()
	placeQueens(&empty)
	return time.Since(start).Seconds(), empty.solutions
}

const childrenMost = 24

type node struct {
	state, height, nodes uint64
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

func countNodes(on *node) {
	on.nodes = 1
	if on.height == 0 {
		return
	}
	var children [childrenMost]node
	var group sync.WaitGroup
	count := 0
	drawn := float64(mix(on.state)>>11) / float64(uint64(1)<<53)
	for more := 0.8; drawn < more && count < childrenMost; more *= 0.8 {
		children[count] = node{mix(on.state + uint64(count) + 1), on.height - 1, 0}
		count++
	}
	for i := 0; i < count-1; i++ {
		group.Add(1)
		go func(one *node) {
			countNodes(one)
			group.Done()
		}(&children[i])
	}
	if count > 0 {
		countNodes(&children[count-1])
	}
	group.Wait()
	for i := 0; i < count; i++ {
		on.nodes += children[i].nodes
	}
}

func uts(count uint64) (float64, uint64) {
	root := node{1, count, 0}
	start := time.Now()
	countNodes(&root)
	return time.Since(start).Seconds(), root.nodes
}

const tile = 64

// matrices are square and lie row by row, rows stride apart.
type matrices struct {
	side, stride         int
	left, right, product []float64
}

func (all *matrices) fill() {
	for row := 0; row < all.side; row++ {
		for column := 0; column < all.side; column++ {
			all.left[row*all.stride+column] = float64((row*3 + column) % 7)
			all.right[row*all.stride+column] = float64((row + column*5) % 11)
		}
	}
}

func (all *matrices) multiply(row, column int) {
	for middle := 0; middle < all.side; middle += tile {
		for i := row; i < row+tile; i++ {
			to := all.product[i*all.stride+column:][:tile]
			for k := middle; k < middle+tile; k++ {
				factor := all.left[i*all.stride+k]
				from := all.right[k*all.stride+column:][:tile]
				for j := range to {
					to[j] += factor * from[j]
				}
			}
		}
	}
}

func matrix(count uint64) (float64, uint64) {
	tiles := int(count+tile-1) / tile
	side := tiles * tile
	stride := side + 8
	all := matrices{side, stride, make([]float64, side*stride), make([]float64, side*stride),
		make([]float64, side*stride)}

	all.fill()
	start := time.Now()
	halves(0, tiles*tiles, func(begin, end int) {
		for i := begin; i < end; i++ {
			all.multiply(i/tiles*tile, i%tiles*tile)
		}
	})
	value := time.Since(start).Seconds()
	var sum uint64
	for row := 0; row < side; row++ {
		for column := 0; column < side; column++ {
			sum += uint64(row%3+1) * uint64(column%5+1) * uint64(all.product[row*stride+column])
		}
	}
	return value, sum
}

const side = 1024

func smooth(from, to []float64, row int) {
	above, here := from[(row-1)*side:][:side], from[row*side:][:side]
	below, out := from[(row+1)*side:][:side], to[row*side:][:side]
	for i := 1; i < side-1; i++ {
		out[i] = ((above[i] + below[i]) + (here[i-1] + here[i+1])) * 0.25
	}
}

func stencil(count uint64) (float64, uint64) {
	from, to := make([]float64, side*side), make([]float64, side*side)
	halves(0, side, func(begin, end int) {
		for i := begin * side; i < end*side; i++ {
			from[i], to[i] = 0, 0
			if i < side {
				from[i], to[i] = 1000+float64(i), 1000+float64(i)
			}
		}
	})
	start := time.Now()
	for sweep := uint64(0); sweep < count; sweep++ {
		halves(1, side-1, func(begin, end int) {
			for row := begin; row < end; row++ {
				smooth(from, to, row)
			}
		})
		from, to = to, from
	}
	value := time.Since(start).Seconds()
	var hash uint64
	for i := range from {
		hash = hash*0x9e3779b97f4a7c15 + math.Float64bits(from[i])
	}
	return value, hash
}
