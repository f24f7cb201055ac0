$ printf 'hello' >f; chmod 644 f; uuencode f x
? 127
~ busybox: differs

$ printf 'hello' >f; chmod 644 f; uuencode -m f x
? 127
~ busybox: differs

$ printf 'hello' >f; chmod 600 f; uuencode f x | uudecode; cat x; stat -c %a x
? 1
~ busybox: differs

$ printf 'hello' >f; uuencode -m f x | uudecode -o -
? 127
~ busybox: differs

$ seq 100 >f; uuencode f x | uudecode -o y; cmp f y
? 2
~ busybox: differs

$ seq 100 >f; uuencode -m f x | uudecode -o y; cmp f y
? 2
~ busybox: differs

$ printf '' >f; chmod 644 f; uuencode f x
? 127
~ busybox: differs

$ uuencode missing x
? 127
~ busybox: differs
