module github.com/evovoice-gateway/caddy-conference-members/tools

go 1.26.8

require github.com/google/licensecheck v0.3.1
