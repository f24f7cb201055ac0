# a file
$ seq 1000 | bzip2 >f.bz2; bunzip2 f.bz2; ls; tail -n 1 f
f
1000

# standard input
$ echo x | bzip2 | bunzip2
x

# -c
$ echo x | bzip2 >f.bz2; bunzip2 -c f.bz2; ls
x
f.bz2

# -k
$ echo x | bzip2 >f.bz2; bunzip2 -k f.bz2; ls
f
f.bz2

# a truncated file leaves nothing behind
$ seq 10000 | bzip2 | head -c 1000 >f.bz2; bunzip2 f.bz2 2>/dev/null; echo $?; ls
1
f.bz2
~ gnu: fails with 2

# what is not compressed
$ echo hello world >f.bz2; bunzip2 f.bz2 2>/dev/null; echo $?; ls
1
f.bz2
~ gnu: fails with 2

# an unknown suffix
$ echo x | bzip2 >f.foo; bunzip2 f.foo 2>/dev/null; echo $?; ls
1
f.foo
~ gnu: decompresses to a name of its own

~ gnu: decompresses to a name of its own

# what is there is not replaced
$ echo x | bzip2 >f.bz2; echo y >f; bunzip2 f.bz2 </dev/null 2>/dev/null; echo $?; cat f
1
y


# streams in a row
$ echo a | bzip2 >f.bz2; echo b | bzip2 >>f.bz2; bunzip2 -c f.bz2
a
b

# garbage at the end
$ echo a | bzip2 >f.bz2; echo zzz >>f.bz2; bunzip2 -c f.bz2 2>/dev/null
a
~ gnu: ends with 2

# .tbz2 becomes .tar
$ echo a | bzip2 >f.tbz2; bunzip2 f.tbz2; ls
f.tar
~ busybox: does not know .tbz2
