//! A store of images by hand: `images ROOT load FILE|save NAME FILE|list|df|collect|verify`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::time::Instant;

use isopod_images::{CollectPolicy, Images, LoadOptions, Options, SaveItem};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [root, command, rest @ ..] = &words[..] else {
        return Err("usage: images ROOT load FILE|save NAME FILE|list|df|collect|verify".into());
    };
    let began = Instant::now();
    let images = Images::open(Options::new(*root))?;
    match (*command, rest) {
        ("load", [file]) => {
            let mut input: Box<dyn Read + Send> = match *file {
                "-" => Box::new(std::io::stdin()),
                file => Box::new(File::open(file)?),
            };
            for loaded in images.load(&mut *input, &LoadOptions::default(), &|_| {})? {
                println!("{} {:?}", loaded.image.id, loaded.names);
            }
        }
        ("layout", [dir]) => {
            for loaded in images.load_layout(dir.as_ref(), &LoadOptions::default(), &|_| {})? {
                println!("{} {:?}", loaded.image.id, loaded.names);
            }
        }
        ("save", [name, file]) => {
            let image = images.resolve(name, None)?;
            let names = image.names.iter().map(|name| (name.clone(), name.clone())).collect();
            images.save(&[SaveItem { image, names }], &mut File::create(file)?)?;
        }
        ("list", []) => {
            for image in images.list()? {
                println!("{} {:?} {}", image.id, image.names, image.size);
            }
        }
        ("df", []) => println!("{:#?}", images.df()?),
        ("collect", []) => println!("{:#?}", images.collect(&CollectPolicy::default())?),
        ("verify", []) => println!("{:#?}", images.verify()?),
        _ => return Err(format!("unknown command {command}").into()),
    }
    eprintln!("{command}: {:?}", began.elapsed());
    Ok(())
}
