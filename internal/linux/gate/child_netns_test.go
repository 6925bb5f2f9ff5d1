package gate

const childRole = "HOLDFAST_TEST_GATE_CHILD"

func child(string) int { return 1 }
