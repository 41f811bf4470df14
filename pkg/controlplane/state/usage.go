package state

// Usage is what the runners of an app occupy of one machine type.
type Usage struct {
	Alias       string
	MachineType string
	Count       int // of the machine type: GPUs, or machines of a CPU type
}

// Usage returns what the runners of the caller's account occupy now, in no
// order. A runner occupies its machine while it has a process.
func (s *State) Usage(caller Caller) []Usage {
	type machine struct{ alias, kind string }
	counts := make(map[machine]int)
	s.mu.RLock()
	for _, r := range s.live {
		if r.row.Account == caller.Account.ID && r.row.PID != 0 {
			counts[machine{r.row.Alias, r.row.MachineType}] += r.app.Rev.NumGPUs
		}
	}
	s.mu.RUnlock()
	usage := make([]Usage, 0, len(counts))
	for m, n := range counts {
		usage = append(usage, Usage{Alias: m.alias, MachineType: m.kind, Count: n})
	}
	return usage
}
