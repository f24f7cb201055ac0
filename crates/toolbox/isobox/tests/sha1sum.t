$ printf 'abc' | sha1sum
a9993e364706816aba3e25717850c26c9cd0d89d  -

$ printf '' | sha1sum
da39a3ee5e6b4b0d3255bfef95601890afd80709  -

$ printf 'abc' >f; sha1sum f
a9993e364706816aba3e25717850c26c9cd0d89d  f

$ printf 'abc' >f; sha1sum f >s; sha1sum -c s
f: OK

$ printf 'abc' >f; sha1sum f >s; printf x >f; sha1sum -c s
f: FAILED
? 1

$ printf 'abc' >f; sha1sum -b f
a9993e364706816aba3e25717850c26c9cd0d89d *f
~ busybox: prints otherwise

$ sha1sum missing
? 1

$ seq 100000 | sha1sum
9dc4a47b7b3c9a36667a2ce402baf429afb9c17f  -
