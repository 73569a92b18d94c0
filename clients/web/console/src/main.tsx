import { render } from 'preact';
import { App } from './app/App';
import { applyStoredTheme } from './app/theme';
import './design/tokens.css';
import './design/base.css';
import './design/controls.css';
import './design/surfaces.css';

applyStoredTheme();
render(<App />, document.getElementById('app')!);
