// Checks Kubernetes objects against the schemas of the API, required fields included.
//
//   node required-fields.mjs FOLDER < objects.json     FOLDER holds node_modules with kubernetes-models; the input is an array
//
// Prints one line an object that is wrong; says nothing when all are right.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const models = join(resolve(process.argv[2]), 'node_modules', 'kubernetes-models');
for (const object of JSON.parse(readFileSync(0, 'utf8'))) {
  const { [object.kind]: Model } = await import(pathToFileURL(join(models, object.apiVersion, `${object.kind}.js`)));
  try {
    new Model(object).validate();
  } catch (error) {
    console.log(`${object.kind} ${object.metadata?.name}: ${error.message}`);
  }
}
