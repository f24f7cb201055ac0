$ printf 'a\nb\n' | more
a
b

$ printf 'a\n' >f; more f
::::::::::::::
f
::::::::::::::
a
~ busybox: differs

$ printf 'a\n' >f; printf 'b\n' >g; more f | cat
::::::::::::::
f
::::::::::::::
a
~ busybox: differs

$ printf '' | more

$ seq 100 | more | tail -n 1
100

$ printf 'a' | more
a
\

$ more missing
~ busybox: differs

$ printf 'x\n' >f; more - <f
x
