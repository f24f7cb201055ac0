$ yes | head -n 2
y
y

$ yes a b | head -n 2
a b
a b

$ yes -- x | head -n 1
x
~ busybox: prints otherwise

$ yes '' | head -n 2
|
|

$ yes | head -c 100000 | md5sum
7b33372e4b76a8cba904b5afa9b830bd  -

$ yes x | sed 3q
x
x
x

$ yes -n 2>/dev/null | head -n 1
-n
~ gnu: prints otherwise

$ yes >/dev/full
? 1
