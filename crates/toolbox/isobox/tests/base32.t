$ printf 'hello' | base32
NBSWY3DP
~ busybox: no such applet

$ printf 'NBSWY3DP' | base32 -d
hello
\
~ busybox: no such applet

$ printf 'a' | base32
ME======
~ busybox: no such applet

$ printf 'ME======' | base32 -d
a
\
~ busybox: no such applet

$ printf '' | base32
~ busybox: no such applet

$ seq 40 | base32 -w 20
GEFDECRTBI2AUNIKGYFD
OCRYBI4QUMJQBIYTCCRR
GIFDCMYKGE2AUMJVBIYT
MCRRG4FDCOAKGE4QUMRQ
BIZDCCRSGIFDEMYKGI2A
UMRVBIZDMCRSG4FDEOAK
GI4QUMZQBIZTCCRTGIFD
GMYKGM2AUMZVBIZTMCRT
G4FDGOAKGM4QUNBQBI==
====
~ busybox: no such applet

$ printf '1' | base32 -d
? 1
~ busybox: no such applet

$ seq 100 | base32 | base32 -d | md5sum
d632eba71107bf7bc3ec423eab256d78  -
~ busybox: no such applet
