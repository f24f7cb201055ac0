$ printf 'abc' | sha224sum
23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7  -
~ busybox: no such applet

$ printf '' | sha224sum
d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f  -
~ busybox: no such applet

$ printf 'abc' >f; sha224sum f >s; sha224sum -c s
f: OK
~ busybox: no such applet

$ printf 'abc' >f; sha224sum f >s; printf x >f; sha224sum -c s
f: FAILED
? 1
~ busybox: no such applet

$ printf 'abc' >f; sha224sum --tag f
SHA224 (f) = 23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7
~ busybox: no such applet

$ printf 'abc' >f; sha224sum f f
23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7  f
23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7  f
~ busybox: no such applet

$ sha224sum missing
? 1
~ busybox: no such applet

$ seq 100000 | sha224sum
80926f0795e2215fd62f126d73847d886b90633753671d07a279aede  -
~ busybox: no such applet
