# the kernel
$ uname; uname -s
Linux
Linux

# the machine
$ [ "$(uname -m)" = "$(arch)" ] && echo same
same

# the order is always the same
$ [ "$(uname -mr)" = "$(uname -r) $(uname -m)" ] && echo same
same

# the system
$ uname -o
GNU/Linux

# the name
$ [ "$(uname -n)" = "$(cat /proc/sys/kernel/hostname)" ] && echo same
same

# all
$ uname -a | grep -c "^Linux $(uname -n) $(uname -r) $(uname -v)"
1

# an operand
$ uname x 2>/dev/null
? 1

# an option that is none
$ uname -q 2>/dev/null
? 1
