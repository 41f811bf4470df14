package restwire

// Metrics is the answer of GET /applications/metrics: what the runners of an
// account occupy, counted by machine type. CPU machine types are counted too.
type Metrics struct {
	Summary MetricsSummary        `json:"summary"`
	Apps    map[string]AppMetrics `json:"apps"` // by "<nickname>/<alias>"
}

// MetricsSummary is the sum over all apps.
type MetricsSummary struct {
	TotalGPUByType map[string]int `json:"total_gpu_by_type"`
}

// AppMetrics is the part of one app.
type AppMetrics struct {
	GPUCountByType map[string]int `json:"gpu_count_by_type"`
}
