package config

// Balancer is how the kernel forwards.
type Balancer struct {
	Hook string // where on an interface: auto, tc or xdp
}

type rawBalancer struct{ hook val[string] }

func (rd *reader) balancer(top object) rawBalancer {
	return rawBalancer{hook: top.child("balancer").choice("hook")}
}

func (b rawBalancer) build() Balancer { return Balancer{Hook: b.hook.v} }
