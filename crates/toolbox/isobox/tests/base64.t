$ printf 'hello' | base64
aGVsbG8=

$ printf 'aGVsbG8=' | base64 -d
hello
\

$ printf 'aGVs\nbG8=\n' | base64 -d
hello
\

$ seq 40 | base64
MQoyCjMKNAo1CjYKNwo4CjkKMTAKMTEKMTIKMTMKMTQKMTUKMTYKMTcKMTgKMTkKMjAKMjEKMjIK
MjMKMjQKMjUKMjYKMjcKMjgKMjkKMzAKMzEKMzIKMzMKMzQKMzUKMzYKMzcKMzgKMzkKNDAK

$ seq 40 | base64 -w 20
MQoyCjMKNAo1CjYKNwo4
CjkKMTAKMTEKMTIKMTMK
MTQKMTUKMTYKMTcKMTgK
MTkKMjAKMjEKMjIKMjMK
MjQKMjUKMjYKMjcKMjgK
MjkKMzAKMzEKMzIKMzMK
MzQKMzUKMzYKMzcKMzgK
MzkKNDAK

$ seq 40 | base64 -w 0
MQoyCjMKNAo1CjYKNwo4CjkKMTAKMTEKMTIKMTMKMTQKMTUKMTYKMTcKMTgKMTkKMjAKMjEKMjIKMjMKMjQKMjUKMjYKMjcKMjgKMjkKMzAKMzEKMzIKMzMKMzQKMzUKMzYKMzcKMzgKMzkKNDAK
\

$ printf '' | base64

$ printf 'a*b=' | base64 -d
? 1

$ printf 'aGV*sbG8=' | base64 -di
hello
\

$ printf 'a' | base64; printf 'ab' | base64; printf 'abc' | base64
YQ==
YWI=
YWJj

$ printf 'hello' >f; base64 f
aGVsbG8=
