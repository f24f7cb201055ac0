$ mkdir d; touch d/a d/b; find d | sort
d
d/a
d/b

$ mkdir d; touch d/a d/b; find d -name a
d/a

$ mkdir d; touch d/A d/b; find d -iname a
d/A

$ mkdir d; touch d/a; find d -type f
d/a

$ mkdir d; touch d/a; find d -type d
d

$ mkdir -p d/e/f; find d -maxdepth 1 | sort
d
d/e

$ mkdir -p d/e/f; find d -mindepth 1 | sort
d/e
d/e/f

$ mkdir -p d/e/f; find d -depth
d/e/f
d/e
d

$ mkdir d; touch d/a d/b; find d -name a -o -name b | sort
d/a
d/b

$ mkdir d; touch d/a d/b; find d ! -name a -type f
d/b

$ mkdir d; touch d/a d/b; find d -type f \( -name a -o -name c \)
d/a

$ mkdir d; touch d/a; find d -name a -exec echo x {} \;
x d/a

$ mkdir d; touch d/a d/b; find d -type f -exec echo {} + | tr ' ' '\n' | sort
d/a
d/b

$ mkdir d; touch d/a; find d -name a -print0 | tr '\0' '\n'
d/a

$ mkdir -p d/e; touch d/e/a; find d -name e -prune -o -print | sort
d

$ mkdir d; touch d/a; find d -name a -delete; find d
d
~ busybox: says: unrecognized: -delete

$ mkdir -p d/e; touch d/e/f; find d -delete; ls
~ busybox: says: unrecognized: -delete

$ mkdir d; printf abc >d/a; find d -type f -size -2
d/a

$ mkdir d; printf abc >d/a; find d -type f -size 3c
d/a

$ mkdir d; head -c 3000 /dev/zero >d/a; find d -type f -size +2k
d/a

$ mkdir d; touch d/a; find d -empty
d/a

$ mkdir d; printf x >d/a; find d -type f -empty

$ mkdir d; touch -d '3 days ago' d/a; touch d/b; find d -type f -mtime +1
d/a
~ busybox: says: touch: invalid date '3 days ago'

$ mkdir d; touch -d '3 days ago' d/a; touch d/b; find d -type f -mtime -1
d/b

$ mkdir d; touch -d '@5' d/a; touch d/b; find d -newer d/a -type f
d/b

$ mkdir d; touch d/a; chmod 600 d/a; find d -perm 600
d/a

$ mkdir d; touch d/a; chmod 644 d/a; find d -type f -perm -400
d/a

$ mkdir d; touch d/a; chmod 644 d/a; find d -type f -perm /111

$ mkdir d; touch d/a; find d -user root -type f
d/a

$ mkdir d; touch d/a; find d -path '*/a'
d/a

$ mkdir d; touch d/a1 d/b; find d -regex '.*/a[0-9]'
d/a1

$ mkdir d; touch d/a; ln d/a d/b; find d -links 2 | sort
d
d/a
d/b

$ mkdir d; touch d/a; find d -inum $(stat -c %i d/a)
d/a

$ mkdir d; ln -s x d/l; find d -type l
d/l

$ mkdir d e; touch e/a; ln -s ../e d/l; find -L d | sort
d
d/l
d/l/a

$ mkdir d; touch d/a; find d -name a -printf '%f %s %y\n'
a 0 f
~ busybox: says: unrecognized: -printf

$ mkdir -p d/e; touch d/e/a; find d -name a -printf '%p %P %h %d %H\n'
d/e/a e/a d/e 2 d
~ busybox: says: unrecognized: -printf

$ find missing
? 1

$ mkdir d; touch d/a d/b; find d -type f -quit

$ mkdir d; touch d/a; find d -name a -execdir echo {} \;
./a
~ busybox: says: unrecognized: -execdir

$ mkdir d; touch d/a; find d -true -name a -false
~ busybox: says: unrecognized: -true

$ mkdir d; touch d/.a; find d -name '*a'
d/.a

$ mkdir d; touch d/a; find d -name a -exec false \; -print

$ mkdir d; touch d/a; find d -name
? 1

$ mkdir d; find d -nonsense
? 1

$ mkdir d; touch d/a; find d -type f -samefile d/a
d/a

$ mkdir d; touch d/a; find d -type f -exec sh -c 'echo $1' x {} \;
d/a

$ mkdir d; touch d/a d/b; find d -name a , -name b -print
d/b
~ busybox: says: unrecognized: ,

$ mkdir d; touch d/a; find d -type f -ls | sed 's/.* //'
d/a
~ busybox: says: unrecognized: -ls

$ mkdir d; touch d/a; find d -type f -fprint out; cat out
d/a
~ busybox: says: unrecognized: -fprint

$ mkdir d; touch d/a; chmod 755 d/a; find d -type f -executable
d/a

$ mkdir d; touch d/a; find d -type f -mmin -5
d/a

$ mkdir d; touch d/x; find d -name '[a-z]'
d
d/x

$ mkdir d; touch 'd/a b'; find d -name 'a b' -print
d/a b

$ mkdir d; find d d
d
d

$ mkdir a b; find a b -type d
a
b

$ mkdir d; touch d/a; cd d; find
.
./a

$ mkdir d; touch d/a; find d/
d/
d/a

$ mkdir d; touch d/a; find d -type f,d | sort
d
d/a
~ busybox: says: invalid argument 'f,d' to '-type'

$ mkdir -p d/e; touch d/f; find d -type f -exec test -f {} \; -print
d/f

$ mkdir d; touch d/a; find d -not -name a
d

$ mkdir d; touch d/a d/b; find d -type f -a -name b
d/b

$ mkdir d; touch d/a; find d -type f -exec false {} +
? 1
