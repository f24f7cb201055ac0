# a file
$ seq 1000 | lzma >f.lzma; unlzma f.lzma; ls; tail -n 1 f
f
1000
~ busybox: only decompresses

# standard input
$ echo x | lzma | unlzma
x
~ busybox: only decompresses

# -c
$ echo x | lzma >f.lzma; unlzma -c f.lzma; ls
x
f.lzma
~ busybox: only decompresses

# -k
$ echo x | lzma >f.lzma; unlzma -k f.lzma; ls
f
f.lzma
~ busybox: only decompresses

# a truncated file leaves nothing behind
$ seq 10000 | lzma | head -c 1000 >f.lzma; unlzma f.lzma 2>/dev/null; echo $?; ls
1
f.lzma
~ busybox: only decompresses

# what is not compressed
$ echo hello world >f.lzma; unlzma f.lzma 2>/dev/null; echo $?; ls
1
f.lzma

# an unknown suffix
$ echo x | lzma >f.foo; unlzma f.foo 2>/dev/null; echo $?; ls
1
f.foo
~ busybox: only decompresses
~ gnu: fails with 2

# what is there is not replaced
$ echo x | lzma >f.lzma; echo y >f; unlzma f.lzma </dev/null 2>/dev/null; echo $?; cat f
1
y
~ busybox: only decompresses
