$ printf 'abc\n' | od
0000000 061141 005143
0000004

$ printf 'abc\n' | od -c
0000000   a   b   c  \n
0000004

$ printf 'abc\n' | od -x
0000000 6261 0a63
0000004

$ printf 'abc\n' | od -b
0000000 141 142 143 012
0000004

$ printf 'abc\n' | od -A x -t x1
000000 61 62 63 0a
000004

$ printf 'abc\n' | od -A n -t x1
 61 62 63 0a

$ printf 'abc\n' | od -t u1
0000000  97  98  99  10
0000004

$ printf 'abcd' | od -t d4
0000000  1684234849
0000004

$ printf 'abcd' | od -t x4
0000000 64636261
0000004

$ printf 'abc\n' | od -t c -t x1
0000000   a   b   c  \n
         61  62  63  0a
0000004
~ busybox: prints otherwise

$ printf 'abc\n\0\033' | od -a
0000000   a   b   c  nl nul esc
0000006

$ printf 'abcdef' | od -j 2 -A d -c
0000002   c   d   e   f
0000006

$ printf 'abcdef' | od -N 3 -c
0000000   a   b   c
0000003

$ printf 'abc\n' | od -t x1z
0000000 61 62 63 0a                                      >abc.<
0000004
~ busybox: says: invalid type string 'x1z'; 4294967295-byte integral type is not supported

$ printf '%048d' 0 | od -c
0000000   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0
*
0000060

$ printf '%048d' 0 | od -v -c
0000000   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0
0000020   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0
0000040   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0   0
0000060

$ printf '%s' abcdefgh | od -w4 -c
0000000   a   b   c   d
0000004   e   f   g   h
0000010

$ printf '\0\0\200\077' | od -t f4
0000000               1
0000004
~ busybox: prints otherwise

$ printf '\0\0\0\0\0\0\370\077' | od -t f8
0000000                      1.5
0000010
~ busybox: prints otherwise

$ printf '\377\376' | od -t d1
0000000   -1   -2
0000002

$ printf '' | od
0000000

$ printf 'ab\0cdef\0' | od -S 3
0000003 cdef

$ od missing
? 1

$ printf 'abcdefghijklmnopq' | od -A x -x
000000 6261 6463 6665 6867 6a69 6c6b 6e6d 706f
000010 0071
000011

$ printf 'a' | od -d
0000000    97
0000001
