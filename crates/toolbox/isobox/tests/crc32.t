$ printf 'abc' >f; crc32 f
352441c2 f
~ gnu: no such command

$ printf '' >f; crc32 f
00000000 f
~ gnu: no such command

$ seq 1000 >f; crc32 f
8dc4565d f
~ gnu: no such command

$ printf 'abc' >f; crc32 f f
352441c2 f
352441c2 f
~ gnu: no such command

$ crc32 missing
? 1
~ gnu: no such command

$ printf '123456789' >f; crc32 f
cbf43926 f
~ gnu: no such command

$ seq 7 >f; crc32 f
c29f1e6e f
~ gnu: no such command

$ printf '\0' >f; crc32 f
d202ef8d f
~ gnu: no such command
