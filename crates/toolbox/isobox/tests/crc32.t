$ printf 'abc' >f; crc32 f
? 127
~ busybox: differs

$ printf '' >f; crc32 f
? 127
~ busybox: differs

$ seq 1000 >f; crc32 f
? 127
~ busybox: differs

$ printf 'abc' >f; crc32 f f
? 127
~ busybox: differs

$ crc32 missing
? 127
~ busybox: differs

$ printf '123456789' >f; crc32 f
? 127
~ busybox: differs

$ seq 7 >f; crc32 f
? 127
~ busybox: differs

$ printf '\0' >f; crc32 f
? 127
~ busybox: differs
