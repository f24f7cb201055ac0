$ printf 'abc' | md5sum
900150983cd24fb0d6963f7d28e17f72  -

$ printf '' | md5sum
d41d8cd98f00b204e9800998ecf8427e  -

$ printf 'abc' >f; md5sum f
900150983cd24fb0d6963f7d28e17f72  f

$ printf 'abc' >f; md5sum f >s; md5sum -c s
f: OK

$ printf 'abc' >f; md5sum f >s; printf x >f; md5sum -c s
f: FAILED
? 1

$ printf 'abc' >f; md5sum --tag f
MD5 (f) = 900150983cd24fb0d6963f7d28e17f72
~ busybox: says: unrecognized option '--tag'

$ printf 'abc' >f; md5sum f >s; rm f; md5sum -c s
f: FAILED open or read
? 1
~ busybox: says: can't open 'f': No such file or directory

$ printf 'abc' >f; md5sum f >s; md5sum -c --quiet s
~ busybox: says: unrecognized option '--quiet'

$ echo nothing | md5sum -c
? 1

$ printf 'abc' >f; md5sum --tag f >s; md5sum -c s
f: OK
~ busybox: says: unrecognized option '--tag'

$ md5sum missing
? 1

$ printf 'abc' >f; md5sum f >s; md5sum --status -c s
~ busybox: says: unrecognized option '--status'

$ printf 'abc' >'a\b'; md5sum 'a\b'
\900150983cd24fb0d6963f7d28e17f72  a\\b
~ busybox: prints otherwise
