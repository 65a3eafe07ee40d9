// The version of WireGuard that ./mvc builds into .tools/wireguard-go, for machines whose kernel has
// none; go.sum holds what its sources must hash to. Debian's of 2022 is five times as slow: it takes
// packets one by one.
module mvc/wireguard

// That of requirements.txt, which ./mvc fetches for this build.
go 1.27.3

tool golang.zx2c4.com/wireguard

require (
	golang.org/x/crypto v0.37.0 // indirect
	golang.org/x/net v0.39.0 // indirect
	golang.org/x/sys v0.32.0 // indirect
	golang.zx2c4.com/wintun v0.0.0-20230126152724-0fa3db229ce2 // indirect
	golang.zx2c4.com/wireguard v0.0.0-20260522210424-ecfc5a8d5446 // indirect
)
