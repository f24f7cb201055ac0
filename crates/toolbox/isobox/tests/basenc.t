$ printf 'hello>?' | basenc --base64url
aGVsbG8-Pw==
~ busybox: no such applet

$ printf 'hello' | basenc --base16
68656C6C6F
~ busybox: no such applet

$ printf '68656C6C6F' | basenc --base16 -d
hello
\
~ busybox: no such applet

$ printf 'a' | basenc --base2msbf
01100001
~ busybox: no such applet

$ printf 'a' | basenc --base2lsbf
10000110
~ busybox: no such applet

$ printf 'hello' | basenc --base32hex
D1IMOR3F
~ busybox: no such applet

$ printf '01100001' | basenc --base2msbf -d
a
\
~ busybox: no such applet

$ basenc /dev/null
? 1
~ busybox: no such applet
