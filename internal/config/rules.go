package config

// Rule is one kind of diagnostic. Ids are stable: a rule that goes away takes
// its id with it.
type Rule struct {
	ID       string
	Severity Severity
	Summary  string
}

type rule = string

// The file and its YAML.
const (
	ruleUnreadable  rule = "HF1001"
	ruleSyntax      rule = "HF1002"
	ruleTab         rule = "HF1003"
	ruleEmpty       rule = "HF1004"
	ruleDocuments   rule = "HF1005"
	ruleAnchors     rule = "HF1006"
	ruleTooBig      rule = "HF1007"
	ruleCharacters  rule = "HF1008"
	ruleUnknownKey  rule = "HF1010"
	ruleDuplicate   rule = "HF1011"
	ruleLater       rule = "HF1012"
	ruleType        rule = "HF1013"
	ruleMissing     rule = "HF1014"
	ruleChoice      rule = "HF1015"
	ruleDuration    rule = "HF1016"
	ruleRange       rule = "HF1017"
	ruleAddress     rule = "HF1018"
	ruleName        rule = "HF1019"
	ruleNoGroups    rule = "HF1020"
	rulePath        rule = "HF1021"
	ruleListen      rule = "HF1022"
	ruleNoAddresses rule = "HF1101"
	ruleUnusable    rule = "HF1102"
	ruleVRIDTwice   rule = "HF1103"
	ruleAddressHeld rule = "HF1104"
	ruleHostPart    rule = "HF1105"
	ruleTooMany     rule = "HF1106"
	rulePriority    rule = "HF1107"
	ruleOwner       rule = "HF1108"
	ruleNoInterface rule = "HF1109"
	ruleInterface   rule = "HF1110"
	ruleSubnet      rule = "HF1111"
	ruleV2IPv6      rule = "HF1112"
	ruleV2Interval  rule = "HF1113"
	ruleInterval    rule = "HF1114"
	ruleOwnerYields rule = "HF1115"
	ruleDelayUnused rule = "HF1116"
	ruleLearn       rule = "HF1117"
	ruleNoEffect    rule = "HF1118"
	rulePeerSelf    rule = "HF1120"
	rulePeerFamily  rule = "HF1121"
	rulePeerMissing rule = "HF1122"
	rulePeerTwice   rule = "HF1123"
	rulePeerAddress rule = "HF1124"
	ruleUnicastAuth rule = "HF1125"
	ruleUnicastMAC  rule = "HF1126"
	ruleHops        rule = "HF1127"
	ruleTwoAuths    rule = "HF1130"
	rulePassVersion rule = "HF1131"
	rulePassLength  rule = "HF1132"
	ruleKeyLength   rule = "HF1133"
	ruleActiveKey   rule = "HF1134"
	ruleNoKeys      rule = "HF1135"

	ruleBFDKey      rule = "HF1136"
	ruleBFDDiffer   rule = "HF1137"
	ruleBFDInterval rule = "HF1138"

	ruleVoterTwice    rule = "HF1140"
	ruleVoterMoves    rule = "HF1141"
	ruleVoterPlace    rule = "HF1142"
	ruleNotVoter      rule = "HF1143"
	ruleNoVoters      rule = "HF1144"
	ruleTooManyVoters rule = "HF1145"
	ruleGuardsDiffer  rule = "HF1146"
	ruleWitnessHolds  rule = "HF1147"
	ruleGateway       rule = "HF1148"

	ruleTwoElections    rule = "HF1150"
	ruleLeaseStore      rule = "HF1151"
	ruleLeaseTTL        rule = "HF1152"
	ruleMembers         rule = "HF1153"
	ruleElectionsDiffer rule = "HF1154"
	ruleWindow          rule = "HF1155"
	ruleLeaseGuard      rule = "HF1156"
)

// What refers to something else: groups, checks, programs, secrets.
const (
	ruleWith          rule = "HF1201"
	ruleWithSelf      rule = "HF1202"
	ruleCheckUnknown  rule = "HF1203"
	ruleCheckUnused   rule = "HF1204"
	ruleCheckTwice    rule = "HF1205"
	ruleCheckLink     rule = "HF1206"
	ruleWeight        rule = "HF1207"
	ruleOwnerWeight   rule = "HF1208"
	ruleCheckKind     rule = "HF1209"
	ruleProgram       rule = "HF1210"
	ruleCheck         rule = "HF1211"
	ruleCheckCircle   rule = "HF1212"
	ruleCheckTiming   rule = "HF1213"
	ruleMayNotRun     rule = "HF1214"
	ruleCheckDeaf     rule = "HF1215"
	ruleStepKind      rule = "HF1220"
	ruleStepKey       rule = "HF1221"
	ruleStepTwice     rule = "HF1222"
	ruleStepAgent     rule = "HF1223"
	ruleStepReady     rule = "HF1224"
	ruleStepLook      rule = "HF1225"
	ruleFenceDevice   rule = "HF1230"
	ruleFenceUnused   rule = "HF1231"
	ruleFenceAgent    rule = "HF1232"
	ruleFenceSelf     rule = "HF1233"
	ruleFenceNodes    rule = "HF1234"
	ruleFenceMissing  rule = "HF1235"
	ruleWatchdog      rule = "HF1236"
	ruleWatchdogShort rule = "HF1237"
	ruleFenceUnsigned rule = "HF1238"

	ruleServiceListen   rule = "HF1240"
	ruleServiceTwice    rule = "HF1241"
	ruleServiceMixed    rule = "HF1242"
	ruleBackend         rule = "HF1243"
	ruleServiceForward  rule = "HF1244"
	ruleServiceUnused   rule = "HF1245"
	ruleServiceProxy    rule = "HF1246"
	ruleServiceTable    rule = "HF1247"
	ruleServiceCheck    rule = "HF1248"
	ruleServiceBackends rule = "HF1249"
	ruleServiceUnserved rule = "HF1250"
	rulePorts           rule = "HF1251"

	ruleSecret       rule = "HF1301"
	ruleSecretOpen   rule = "HF1302"
	ruleSecretInline rule = "HF1303"
	ruleSecretForm   rule = "HF1304"
)

// Rules lists every rule in the order of the ids.
func Rules() []Rule {
	return []Rule{
		{ruleUnreadable, Error, "the file cannot be read"},
		{ruleSyntax, Error, "not YAML"},
		{ruleTab, Error, "a tab indents a line"},
		{ruleEmpty, Error, "the file is empty"},
		{ruleDocuments, Error, "more than one YAML document"},
		{ruleAnchors, Error, "YAML anchors, aliases, merge keys, tags, directives and complex keys are not used"},
		{ruleTooBig, Error, "the file is too large, too deep, or has too many entries on one level"},
		{ruleCharacters, Error, "not UTF-8, or control characters"},
		{ruleUnknownKey, Error, "unknown key"},
		{ruleDuplicate, Error, "a key is written twice"},
		{ruleLater, Error, "not available in this version"},
		{ruleType, Error, "a value of the wrong kind"},
		{ruleMissing, Error, "a required key or value is missing"},
		{ruleChoice, Error, "not one of the words allowed"},
		{ruleDuration, Error, "not a duration with a unit"},
		{ruleRange, Error, "a number or duration is out of range"},
		{ruleAddress, Error, "not an IP address"},
		{ruleName, Error, "not a valid name"},
		{ruleNoGroups, Warning, "no groups"},
		{rulePath, Error, "not an absolute path, or too long"},
		{ruleListen, Error, "not an address and port to listen on"},
		{ruleNoAddresses, Error, "a group has no addresses"},
		{ruleUnusable, Error, "an address that no host can have: unspecified, loopback, multicast, reserved"},
		{ruleVRIDTwice, Error, "a VRID is used twice on one interface and family"},
		{ruleAddressHeld, Error, "an address is in two groups, or twice in one"},
		{ruleHostPart, Error, "an address is its subnet's network, broadcast or anycast address"},
		{ruleTooMany, Error, "more addresses of one family than an advert can carry"},
		{rulePriority, Error, "a priority is out of range"},
		{ruleOwner, Error, "priority 255 without owning the address"},
		{ruleNoInterface, Error, "the interface is not given and cannot be inferred"},
		{ruleInterface, Warning, "an interface does not exist (yet)"},
		{ruleSubnet, Warning, "an address is outside every subnet of its interface"},
		{ruleV2IPv6, Error, "version 2 with an IPv6 address"},
		{ruleV2Interval, Error, "version 2 with an interval that is not whole seconds"},
		{ruleInterval, Error, "version 3 with an interval that is not a multiple of 10ms"},
		{ruleOwnerYields, Warning, "priority 255 with preempt: false"},
		{ruleDelayUnused, Warning, "preempt_delay with preempt: false"},
		{ruleLearn, Error, "the bounds of learn contradict each other or the interval"},
		{ruleNoEffect, Warning, "a setting has no effect with this version, family or mode"},
		{rulePeerSelf, Error, "a peer is this node"},
		{rulePeerFamily, Error, "a peer is of a family that the group has no address of"},
		{rulePeerMissing, Warning, "addresses of one family have no unicast peer and use multicast"},
		{rulePeerTwice, Error, "a peer is written twice"},
		{rulePeerAddress, Error, "a peer cannot be the address of a node"},
		{ruleUnicastAuth, Warning, "unicast without authentication"},
		{ruleUnicastMAC, Warning, "virtual MAC with unicast peers"},
		{ruleHops, Warning, "hops below 255 with multicast"},
		{ruleTwoAuths, Error, "both hmac and pass"},
		{rulePassVersion, Error, "pass with version 3"},
		{rulePassLength, Error, "a password is empty, longer than 8 bytes, or has unprintable bytes"},
		{ruleKeyLength, Error, "an hmac key is not 32 to 64 bytes long"},
		{ruleActiveKey, Error, "the active hmac key is not given or does not exist"},
		{ruleNoKeys, Error, "hmac without keys"},
		{ruleBFDKey, Error, "a key of bfd is empty, longer than 20 bytes, or has unprintable bytes"},
		{ruleBFDDiffer, Error, "groups on one interface have different keys of bfd"},
		{ruleBFDInterval, Error, "an interval of bfd is not a whole number of microseconds"},
		{ruleVoterTwice, Error, "a name or an address votes twice"},
		{ruleVoterMoves, Error, "a voter has an address of a group"},
		{ruleVoterPlace, Warning, "a voter's address is on another machine than it should be"},
		{ruleNotVoter, Error, "this node is not among the nodes of the cluster"},
		{ruleNoVoters, Error, "guarded with fewer than three voters"},
		{ruleTooManyVoters, Error, "too many voters"},
		{ruleGuardsDiffer, Error, "groups that move together have different guards"},
		{ruleWitnessHolds, Error, "a witness with groups"},
		{ruleGateway, Error, "a gateway is a node, an address of a group, or no address of a host"},
		{ruleTwoElections, Error, "a group has both vrrp and lease"},
		{ruleLeaseStore, Error, "a lease has no store, or one that is not fully described"},
		{ruleLeaseTTL, Warning, "a lease is shorter than the store can be without a leader"},
		{ruleMembers, Warning, "the number of a store's members is a bad one"},
		{ruleElectionsDiffer, Error, "groups that move together have different elections or stores"},
		{ruleWindow, Error, "not a time of the day"},
		{ruleLeaseGuard, Error, "a guard beside a lease"},
		{ruleWith, Error, "with names an unknown group"},
		{ruleWithSelf, Error, "with names the group itself, or one group twice"},
		{ruleCheckUnknown, Error, "a group uses an unknown check"},
		{ruleCheckUnused, Warning, "a check is used by no group"},
		{ruleCheckTwice, Error, "a group uses a check twice"},
		{ruleCheckLink, Warning, "a check watches an interface that does not exist (yet)"},
		{ruleWeight, Error, "a weight is negative or out of range"},
		{ruleOwnerWeight, Warning, "a weight in a group with priority 255"},
		{ruleCheckKind, Error, "a check looks at nothing, or at several things"},
		{ruleProgram, Warning, "a program does not exist or cannot be executed"},
		{ruleCheck, Error, "what a check shall look at, or how, makes no sense"},
		{ruleCheckCircle, Error, "checks are made of each other in a circle"},
		{ruleCheckTiming, Warning, "the times of a check do not fit each other"},
		{ruleMayNotRun, Error, "the user of a check may not run its program, or nobody can"},
		{ruleCheckDeaf, Error, "a check waits for a node of which nothing is ever heard"},
		{ruleStepKind, Error, "a step that does nothing, or more than one thing"},
		{ruleStepKey, Error, "a key that has no meaning in a step of this kind"},
		{ruleStepTwice, Error, "the same step twice in a group"},
		{ruleStepAgent, Warning, "an OCF agent that is not there, or does not take what it is given"},
		{ruleStepReady, Warning, "ready without steps"},
		{ruleStepLook, Error, "ready waits for a check that does not look itself"},
		{ruleFenceDevice, Error, "a fence device that is not there, or is given something twice"},
		{ruleFenceUnused, Warning, "a fence device that is used for no node"},
		{ruleFenceAgent, Warning, "a fence agent that is not there, or does not take what it is given"},
		{ruleFenceSelf, Warning, "this node among those that can be fenced"},
		{ruleFenceNodes, Error, "a group asks for fencing, and nobody can be fenced"},
		{ruleFenceMissing, Warning, "a node of the cluster cannot be fenced"},
		{ruleWatchdog, Error, "the times of the watchdog contradict each other"},
		{ruleWatchdogShort, Warning, "the watchdog's time is not longer than a hold"},
		{ruleFenceUnsigned, Error, "fence agents with VRRP, and what the nodes say is not signed"},
		{ruleServiceListen, Error, "a service listens on what is no address of one group here, or nothing to listen on"},
		{ruleServiceTwice, Error, "two services listen on the same address, port and protocol"},
		{ruleServiceMixed, Error, "a service mixes protocols, or families that are not translated"},
		{ruleBackend, Error, "a backend is no server's address, is there twice, or is one too many"},
		{ruleServiceForward, Error, "the way to the backends cannot do what is asked of it"},
		{ruleServiceUnused, Warning, "a key has no effect in a service"},
		{ruleServiceProxy, Warning, "connections of a service do not survive a failover"},
		{ruleServiceTable, Error, "the size of a table is no prime"},
		{ruleServiceCheck, Error, "a check that looks at backends is used by something else than a service"},
		{ruleServiceBackends, Warning, "a service has no backend to serve it in good times"},
		{ruleServiceUnserved, Error, "a way to backends that this version does not serve"},
		{rulePorts, Error, "the ports of full NAT cannot be divided as it is said"},
		{ruleSecret, Error, "a secret cannot be had from where it is said to be"},
		{ruleSecretOpen, Warning, "a secret's file can be read by everyone"},
		{ruleSecretInline, Warning, "a secret is written in the configuration itself"},
		{ruleSecretForm, Error, "a secret is not said to be in exactly one place, or not in hex"},
	}
}
