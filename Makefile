.PHONY: run test check update

# The example gateway on localhost:8080, with an upstream of its own that dials nobody.
run:
	go run ./cmd/caddy run --config Caddyfile.example

test:
	go test ./...

# All that continuous integration runs. `.ci/run lint race` runs only these steps.
check:
	.ci/run

# Every golden file and every generated part of the documentation. The order
# counts: the first commands make what the last show.
update:
	go test ./transform -run Dialect -update
	go test ./integration -run Sample -update
	go test . ./ops -update
	go test ./integration -run 'Docs|OpenAPI' -update
	cd tools && go run ./licences -dir .. >../docs/licences.md.new && mv ../docs/licences.md.new ../docs/licences.md
