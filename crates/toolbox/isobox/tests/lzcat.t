# a file and standard input
$ echo a | lzma >f.lzma; lzcat f.lzma; lzcat <f.lzma; ls
a
a
f.lzma
~ busybox: only decompresses

# several files
$ echo a | lzma >f.lzma; echo b | lzma >g.lzma; lzcat f.lzma g.lzma
a
b
~ busybox: only decompresses

# a damaged file
$ echo hello >f.lzma; lzcat f.lzma 2>/dev/null
? 1

# a large file
$ seq 300000 | lzma >f.lzma; lzcat f.lzma | tail -n 1
300000
~ busybox: only decompresses

# what is not there
$ lzcat nope.lzma 2>/dev/null
? 1
