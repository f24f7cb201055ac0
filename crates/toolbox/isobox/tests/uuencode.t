$ printf 'hello' >f; chmod 644 f; uuencode f x
begin 644 x
%:&5L;&\`
`
end
~ gnu: no such command

$ printf 'hello' >f; chmod 644 f; uuencode -m f x
begin-base64 644 x
aGVsbG8=
====
~ gnu: no such command

$ printf 'hello' >f; chmod 600 f; uuencode f x | uudecode; cat x; stat -c %a x
hello600
~ gnu: no such command

$ printf 'hello' >f; uuencode -m f x | uudecode -o -
hello
\
~ gnu: no such command

$ seq 100 >f; uuencode f x | uudecode -o y; cmp f y
~ gnu: no such command

$ seq 100 >f; uuencode -m f x | uudecode -o y; cmp f y
~ gnu: no such command

$ printf '' >f; chmod 644 f; uuencode f x
begin 644 x
`
end
~ gnu: no such command

$ uuencode missing x
? 1
~ gnu: no such command
