module rewrite

go 1.18
