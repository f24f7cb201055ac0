# files and standard input
$ echo a | zstd >f.zst; echo b | zstd >g.zst; zstdcat f.zst g.zst; zstdcat <f.zst
a
b
a
~ busybox: none

# what is damaged
$ echo hello >f.zst; zstdcat f.zst 2>/dev/null
? 1
~ busybox: none
~ gnu: copies what is not compressed
