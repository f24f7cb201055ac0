# a file
$ echo x | zstd >f.zst; unzstd -q f.zst; ls; cat f
f
f.zst
x
~ busybox: none

# standard input
$ echo x | zstd | unzstd
x
~ busybox: none

# frames in a row
$ echo a | zstd >f.zst; echo b | zstd >>f.zst; unzstd -c f.zst
a
b
~ busybox: none

# a truncated file leaves nothing behind
$ seq 10000 | zstd | head -c 1000 >f.zst; unzstd -q f.zst 2>/dev/null; echo $?; ls
1
f.zst
~ busybox: none

# an unknown suffix
$ echo x | zstd >f.foo; unzstd -q f.foo 2>/dev/null; echo $?; ls
1
f.foo
~ busybox: none
