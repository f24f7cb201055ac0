$ printf 'abc' | sha384sum
cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7  -
~ busybox: no such applet

$ printf '' | sha384sum
38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b  -
~ busybox: no such applet

$ printf 'abc' >f; sha384sum f >s; sha384sum -c s
f: OK
~ busybox: no such applet

$ printf 'abc' >f; sha384sum f >s; printf x >f; sha384sum -c s
f: FAILED
? 1
~ busybox: no such applet

$ printf 'abc' >f; sha384sum --tag f
SHA384 (f) = cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7
~ busybox: no such applet

$ printf 'abc' >f; sha384sum f f
cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7  f
cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7  f
~ busybox: no such applet

$ sha384sum missing
? 1
~ busybox: no such applet

$ seq 100000 | sha384sum
037d012357359aa827978fb8b60b70ca7749cfb6669e1d1b76e5142976157c81f3b128405e34e73417e30932cb6da1d7  -
~ busybox: no such applet
