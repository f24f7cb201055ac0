# a file and standard input
$ echo a | bzip2 >f.bz2; bzcat f.bz2; bzcat <f.bz2; ls
a
a
f.bz2

# several files
$ echo a | bzip2 >f.bz2; echo b | bzip2 >g.bz2; bzcat f.bz2 g.bz2
a
b

# a damaged file
$ echo hello >f.bz2; bzcat f.bz2 2>/dev/null
? 1
~ gnu: fails with 2

# a large file
$ seq 300000 | bzip2 >f.bz2; bzcat f.bz2 | tail -n 1
300000

# what is not there
$ bzcat nope.bz2 2>/dev/null
? 1
