module sluice.example/ask

go 1.25
