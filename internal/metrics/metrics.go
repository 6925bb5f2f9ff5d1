// Package metrics shows a node's status to Prometheus.
//
// Nothing is counted here: at each scrape the collector reads one snapshot
// and turns it into numbers, so that metrics, `holdfast status` and the API can
// never disagree. Units are base units; a state is a set of series of which
// one is 1; times are Unix timestamps, so that their age is computed by who
// asks.
//
// The names are documented in docs/api.md and frozen by a golden file.
package metrics

import (
	"net/http"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/holdfast-net/holdfast/internal/api"
)

// Handler answers scrapes from a registry of its own. It also shows the
// process and the Go runtime under their usual names.
func Handler(status func() *api.Status) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		NewCollector(status),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError})
}

// Collector implements prometheus.Collector over snapshots.
type Collector struct {
	status func() *api.Status
	descs  map[string]*prometheus.Desc
	rows   []metric
}

// NewCollector returns a collector that asks status once for each scrape.
func NewCollector(status func() *api.Status) *Collector {
	c := &Collector{status: status, descs: map[string]*prometheus.Desc{}, rows: table()}
	for _, m := range c.rows {
		c.descs[m.name] = prometheus.NewDesc("holdfast_"+m.name, m.help, m.labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.rows {
		out <- c.descs[m.name]
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	s := c.status()
	for _, m := range c.rows {
		m.read(s, func(v float64, labels ...string) {
			for i := range labels {
				// A peer's name is what it says in a packet.
				labels[i] = strings.ToValidUTF8(labels[i], "?")
			}
			row, err := prometheus.NewConstMetric(c.descs[m.name], m.kind, v, labels...)
			if err != nil {
				row = prometheus.NewInvalidMetric(c.descs[m.name], err)
			}
			out <- row
		})
	}
}

// goVersion is a label of build_info.
func goVersion() string { return runtime.Version() }
