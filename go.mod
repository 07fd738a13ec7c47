module github.com/evovoice-gateway/caddy-conference-members

go 1.26.0
