$ tty </dev/null
not a tty
? 1

$ tty -s </dev/null
? 1
