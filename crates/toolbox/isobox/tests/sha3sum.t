$ printf 'abc' | sha3sum
? 127
~ busybox: differs

$ printf 'abc' | sha3sum -a 256
? 127
~ busybox: differs

$ printf 'abc' | sha3sum -a 384
? 127
~ busybox: differs

$ printf 'abc' | sha3sum -a 512
? 127
~ busybox: differs

$ printf '' | sha3sum
? 127
~ busybox: differs

$ printf 'abc' >f; sha3sum f >s; sha3sum -c s
? 127
~ busybox: differs

$ printf 'abc' >f; sha3sum f >s; printf x >f; sha3sum -c s
? 127
~ busybox: differs

$ sha3sum missing
? 127
~ busybox: differs
