$ printf 'abc' | sha3sum
e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf  -
~ gnu: no such command

$ printf 'abc' | sha3sum -a 256
3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532  -
~ gnu: no such command

$ printf 'abc' | sha3sum -a 384
ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25  -
~ gnu: no such command

$ printf 'abc' | sha3sum -a 512
b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0  -
~ gnu: no such command

$ printf '' | sha3sum
6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7  -
~ gnu: no such command

$ printf 'abc' >f; sha3sum f >s; sha3sum -c s
f: OK
~ gnu: no such command

$ printf 'abc' >f; sha3sum f >s; printf x >f; sha3sum -c s
f: FAILED
? 1
~ gnu: no such command

$ sha3sum missing
? 1
~ gnu: no such command
