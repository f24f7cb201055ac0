# a session of its own
$ setsid sh -c 'echo $(($(cut -d " " -f 6 /proc/$$/stat) - $$))'
0

# waits
$ setsid -w sh -c 'exit 7'; echo $?
7
~ busybox: no -w

# in another process, always
$ setsid -f sh -c 'echo x >f'; while [ ! -s f ]; do sleep 0.01; done; cat f
x
~ busybox: no -f

# a program that is not there
$ setsid -w no-such-program 2>/dev/null
? 127
~ gnu: fails with 1
~ busybox: no -w
