$ printf 'a\nb' | cat
a
b
\

$ printf 'a\n\nb\n' | cat -n
     1	a
     2	
     3	b

$ printf 'a\n\nb\n' | cat -b
     1	a
|
     2	b

$ printf 'a\n\n\n\nb\n' | cat -s
a
|
b
~ busybox: has no -s

# nonprinting bytes
$ printf '\001\177\200\377\t\n' | cat -v
^A^?M-^@M-^?	

$ printf '\ta\n' | cat -A
^Ia$

$ printf 'x\n' >f; echo y | cat f - f
x
y
x

# a missing file is reported, the others are printed
$ echo x >f; cat missing f
x
! cat: missing: No such file or directory
? 1

# numbers go on from file to file
$ echo a >f; echo b >g; cat --number f g
     1	a
     2	b
~ busybox: no long options

# appending to a file
$ echo a >f; echo b >g; cat g >>f; cat f
a
b

# a file of /proc says that it is empty
$ cat /proc/sys/kernel/ostype
Linux
