# a file and standard input
$ echo a | xz >f.xz; xzcat f.xz; xzcat <f.xz; ls
a
a
f.xz
~ busybox: only decompresses

# several files
$ echo a | xz >f.xz; echo b | xz >g.xz; xzcat f.xz g.xz
a
b
~ busybox: only decompresses

# a damaged file
$ echo hello >f.xz; xzcat f.xz 2>/dev/null
? 1
~ busybox: copies what is not compressed

# a large file
$ seq 300000 | xz >f.xz; xzcat f.xz | tail -n 1
300000
~ busybox: only decompresses

# what is not there
$ xzcat nope.xz 2>/dev/null
? 1
