$ printf 'a\303\251' | iconv -f UTF-8 -t LATIN1 | od -c
0000000   a 351
0000002
~ busybox: no such applet

$ printf 'a\351' | iconv -f LATIN1 -t UTF-8 | od -c
0000000   a 303 251
0000003
~ busybox: no such applet

$ printf 'a\303\251' | iconv -f UTF-8 -t UTF-16LE | od -c
0000000   a  \0 351  \0
0000004
~ busybox: no such applet

$ printf 'a\0\351\0' | iconv -f UTF-16LE -t UTF-8 | od -c
0000000   a 303 251
0000003
~ busybox: no such applet

$ printf 'a\303\251' | iconv -f UTF-8 -t UTF-16 | od -c
0000000 377 376   a  \0 351  \0
0000006
~ busybox: no such applet

$ printf 'a\303\251' | iconv -f UTF-8 -t ASCII
a
\
? 1
~ busybox: no such applet

$ printf 'a\303\251b' | iconv -c -f UTF-8 -t ASCII
ab
\
~ busybox: no such applet

$ printf '\377' | iconv -f UTF-8 -t LATIN1
? 1
~ busybox: no such applet

$ printf 'a\342\202\254' | iconv -f UTF-8 -t ISO-8859-15 | od -c
0000000   a 244
0000002
~ busybox: no such applet

$ printf 'abc' | iconv -f nonsense -t UTF-8
? 1
~ busybox: no such applet

$ printf '\200' | iconv -f CP1252 -t UTF-8 | od -c
0000000 342 202 254
0000003
~ busybox: no such applet

$ printf '\330\075\336\000' | iconv -f UTF-16BE -t UTF-8 | od -c
0000000 360 237 230 200
0000004
~ busybox: no such applet
