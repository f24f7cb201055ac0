$ printf 'a b\nc\n' | wc
        2         3         6
~ gnu: prints otherwise

$ printf 'a b\nc\n' | wc -l
2

$ printf 'a b\nc\n' | wc -w
3

$ printf 'a b\nc\n' | wc -c
6

$ printf 'a b\nc\n' | wc -m
6

$ printf 'a b\nccc\n' | wc -L
3

$ printf 'a b\nc\n' >f; wc f
        2         3         6 f
~ gnu: prints otherwise

$ printf 'a b\nc\n' >f; wc -l f
2 f

$ printf 'a\n' >f; printf 'b b\n' >g; wc f g
        1         1         2 f
        1         2         4 g
        2         3         6 total
~ gnu: prints otherwise

$ printf '' | wc
        0         0         0
~ gnu: prints otherwise

$ printf 'abc' | wc
        0         1         3
~ gnu: prints otherwise

$ printf 'a\tb\n' | wc -L
9

$ wc missing
? 1

$ wc -l </etc/shells >/dev/null; echo $?
0

$ printf 'a\vb\fc\rd e\n' | wc -w
5

$ printf 'a b\nc\n' | wc -lc
        2         6
~ gnu: prints otherwise

$ printf 'f' >n; printf 'n\0n' | wc --files0-from=-
        0         1         1 n
        0         1         1 n
        0         2         2 total
~ busybox: says: unrecognized option '--files0-from=-'
~ gnu: prints otherwise
