package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Verdict is what tshark says of one frame.
type Verdict struct {
	Protocols string   // as in "eth:ethertype:ip:vrrp"
	Problems  []string // malformed parts, wrong checksums, expert warnings
	Fields    map[string][]string
}

// checksumStatus are tshark's fields that say whether a checksum is good; 0 is
// bad, 1 good, 2 not checked.
var checksumStatus = []string{"ip.checksum.status", "vrrp.checksum.status", "icmpv6.checksum.status", "udp.checksum.status"}

// Tshark decodes frames with the protocol fields asked for. VRRPv3's IPv4
// checksum is taken in the given form (MessageOnly or PseudoHeader): the
// format does not say which it is.
func Tshark(dir string, frames []Frame, form Form, fields ...string) ([]Verdict, error) {
	file := filepath.Join(dir, "capture.pcap")
	if err := WriteFile(file, frames); err != nil {
		return nil, err
	}
	args := []string{
		"-r", file, "-n", "-T", "json",
		"-o", fmt.Sprintf("vrrp.v3_checksum_as_in_v2:%t", form == MessageOnly),
		"-o", "ip.check_checksum:TRUE",
		"-e", "frame.protocols", "-e", "_ws.malformed", "-e", "_ws.expert.message", "-e", "_ws.expert.severity",
	}
	for _, f := range append(append([]string(nil), checksumStatus...), fields...) {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("cannot decode with tshark: %w", err)
	}
	var packets []struct {
		Source struct {
			Layers map[string][]string `json:"layers"`
		} `json:"_source"`
	}
	if err := json.Unmarshal(out, &packets); err != nil {
		return nil, fmt.Errorf("cannot read tshark's answer: %w", err)
	}
	verdicts := make([]Verdict, 0, len(packets))
	for _, p := range packets {
		verdicts = append(verdicts, judge(p.Source.Layers))
	}
	return verdicts, nil
}

func judge(layers map[string][]string) Verdict {
	v := Verdict{Protocols: strings.Join(layers["frame.protocols"], " "), Fields: layers}
	if len(layers["_ws.malformed"]) > 0 || strings.Contains(v.Protocols, "malformed") {
		v.Problems = append(v.Problems, "malformed")
	}
	for _, field := range checksumStatus {
		for _, status := range layers[field] {
			if status == "0" || status == "Bad" {
				v.Problems = append(v.Problems, field+" is bad")
			}
		}
	}
	severities := layers["_ws.expert.severity"]
	for i, message := range layers["_ws.expert.message"] {
		// A message without a severity is taken for a warning.
		if i < len(severities) && !serious(severities[i]) {
			continue
		}
		v.Problems = append(v.Problems, message)
	}
	return v
}

// warning is Wireshark's PI_WARN (epan/proto.h). Below it are notes, such as
// one on every datagram with a TTL of 1, chats and comments.
const warning = 0x00600000

func serious(severity string) bool {
	n, err := strconv.ParseUint(severity, 0, 32)
	return err != nil || n >= warning
}
