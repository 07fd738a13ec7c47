module github.com/evovoice-gateway/caddy-conference-members/bench

go 1.26.0

require (
	github.com/evovoice-gateway/caddy-conference-members v0.0.0
	github.com/gocarina/gocsv v0.0.0-20240520201108-78e41c74b4b1
	github.com/tidwall/gjson v1.20.1
)

require (
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.0 // indirect
)

replace github.com/evovoice-gateway/caddy-conference-members => ../
